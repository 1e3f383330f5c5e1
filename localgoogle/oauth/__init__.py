"""Google's OAuth 2.0 endpoints: consent, tokens, revocation and userinfo."""
