from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer


class RolePermission(IsAuthenticated):
    pass


class EnvelopeRenderer(JSONRenderer):
    pass


class EnvelopePagination(PageNumberPagination):
    pass
