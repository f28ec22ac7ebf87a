"""Compares the committed OpenAPI schema with the one that the code describes: `python -m tests.schema FILE`."""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path

import django


def main(path: Path) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whalefall.settings")
    django.setup()
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.renderers import OpenApiYamlRenderer

    schema = SchemaGenerator().get_schema(request=None, public=True)
    current = OpenApiYamlRenderer().render(schema, renderer_context={}).decode()
    difference = difflib.unified_diff(
        path.read_text(encoding="utf-8").splitlines(), current.splitlines(), str(path), "the code", lineterm=""
    )
    lines = list(difference)
    if lines:
        print(*lines, "Run: python manage.py spectacular --file docs/openapi.yaml", sep="\n")
        return 1
    print(f"{path} is what the code describes")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
