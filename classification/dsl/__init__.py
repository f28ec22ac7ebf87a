"""The language of classification rules: parsed strictly, evaluated to true, false or unknown, and explained."""
