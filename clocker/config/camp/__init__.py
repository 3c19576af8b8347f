"""Blueprints in CAMP YAML, as Clocker took them when it was built on Apache Brooklyn."""
