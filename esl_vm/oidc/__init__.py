"""An organisation's OpenID Connect provider."""
