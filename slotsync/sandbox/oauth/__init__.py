"""OAuth 2.0 as Google does it: consent, codes, tokens, revocation, and whose token it is."""

from starlette.routing import Route

from slotsync.sandbox.accounts import Accounts
from slotsync.sandbox.oauth.authorize import AuthorizationEndpoint
from slotsync.sandbox.oauth.id_token import IdTokens
from slotsync.sandbox.oauth.token import TokenEndpoint
from slotsync.sandbox.oauth.token_owner import TokenOwnerEndpoints


def oauth_routes(accounts: Accounts) -> list[Route]:
    """Google's OAuth endpoints, at Google's paths, over these accounts."""
    id_tokens = IdTokens(accounts)
    authorization = AuthorizationEndpoint(accounts)
    owner = TokenOwnerEndpoints(accounts)
    return [
        Route("/o/oauth2/v2/auth", authorization.ask, methods=["GET"]),
        Route("/o/oauth2/v2/auth", authorization.decide, methods=["POST"]),
        Route("/token", TokenEndpoint(accounts, id_tokens).answer, methods=["POST"]),
        Route("/revoke", owner.revoke, methods=["POST"]),
        Route("/oauth2/v3/userinfo", owner.userinfo, methods=["GET", "POST"]),
        Route("/oauth2/v1/certs", id_tokens.certificates, methods=["GET"]),
    ]
