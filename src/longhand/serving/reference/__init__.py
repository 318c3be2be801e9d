"""The page that says how to ask a server: made from its OpenAPI document, it loads nothing and runs nothing."""
