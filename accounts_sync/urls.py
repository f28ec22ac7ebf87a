"""REST paths of account synchronization."""

from django.urls import path

from accounts_sync.api import SyncAccounts, SyncInstanceAccounts

urlpatterns = [
    path("instances/actions/sync-accounts", SyncAccounts.as_view()),
    path("instances/<int:pk>/actions/sync-accounts", SyncInstanceAccounts.as_view()),
]
