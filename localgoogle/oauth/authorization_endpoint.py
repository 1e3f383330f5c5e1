"""The authorization endpoint: the user chooses an account and allows or refuses."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from localgoogle.oauth.authorization_request import AuthorizationRefused, AuthorizationRequest
from localgoogle.oauth.scopes import join_scopes, scope_descriptions, sign_in_scopes
from localgoogle.pages.rendering import render_page
from localgoogle.state.accounts import GoogleAccount, GoogleAccounts
from localgoogle.state.grants import CODE_LIFETIME, AuthorizationCode, Caller


class AuthorizationEndpoint:
    """Shows the pages on which a user chooses an account and allows or refuses."""

    def __init__(self, accounts: GoogleAccounts) -> None:
        self._accounts = accounts
        self._grants = accounts.grants

    async def ask(self, request: Request) -> Response:
        """The page that is due, or the way back to the app where nothing is left to ask."""
        try:
            asked = AuthorizationRequest.read(request.query_params)
        except AuthorizationRefused as refused:
            return _error_page(refused)
        account = self._account(asked.login_hint)
        settled = account is not None and self._settled(asked, account)
        if "none" in asked.prompts and not settled:
            return _redirect_to_app(asked, error="interaction_required")
        if account is None or "select_account" in asked.prompts:
            return self._chooser(request, asked)
        return self._allow(asked, account, asked.scopes) if settled else self._consent_page(request, asked, account)

    async def decide(self, request: Request) -> Response:
        """Sends the user back to the app with what was decided on the consent page."""
        try:
            asked = AuthorizationRequest.read(request.query_params)
        except AuthorizationRefused as refused:
            return _error_page(refused)
        form = await request.form()
        account = self._account(str(form.get("email", "")))
        if account is None:
            return self._chooser(request, asked)
        if form.get("decision") != "allow":
            return _redirect_to_app(asked, error="access_denied")
        ticked = frozenset(map(str, form.getlist("scope"))) if _asks_for_each_scope(asked) else asked.scopes
        return self._allow(asked, account, asked.scopes & ticked | sign_in_scopes(asked.scopes))

    def _account(self, name: str) -> GoogleAccount | None:
        return next((account for account in self._accounts.all() if name in {account.email, account.sub}), None)

    def _settled(self, asked: AuthorizationRequest, account: GoogleAccount) -> bool:
        """Whether the user allowed all of it before, and need not be asked again."""
        granted = asked.scopes <= self._grants.consented(account.email, asked.client_id)
        holds_token = self._grants.has_refresh_token(account.email, asked.client_id)
        return granted and "consent" not in asked.prompts and (holds_token or not asked.offline)

    def _allow(self, asked: AuthorizationRequest, account: GoogleAccount, scopes: frozenset[str]) -> Response:
        if not scopes:
            return _redirect_to_app(asked, error="access_denied")
        if asked.include_granted:
            scopes |= self._grants.consented(account.email, asked.client_id)
        caller = Caller(account.email, asked.client_id, scopes)
        code = self._grants.issue_code(self._code(asked, caller))
        self._grants.consent(caller)
        return _redirect_to_app(
            asked, code=code, scope=join_scopes(scopes), authuser="0", prompt=" ".join(asked.prompts) or "none"
        )

    def _code(self, asked: AuthorizationRequest, caller: Caller) -> AuthorizationCode:
        first = not self._grants.has_refresh_token(caller.email, caller.client_id)
        return AuthorizationCode(
            caller=caller,
            redirect_uri=asked.redirect_uri,
            expires=self._grants.clock() + CODE_LIFETIME,
            with_refresh_token=asked.offline and (first or "consent" in asked.prompts),
            challenge=asked.challenge,
            challenge_method=asked.challenge_method,
            nonce=asked.nonce,
        )

    def _chooser(self, request: Request, asked: AuthorizationRequest) -> Response:
        """A page that comes back here with the account as ``login_hint``."""
        prompt = " ".join(asked.prompts - {"select_account"})
        kept = {**request.query_params, "prompt": prompt}
        kept.pop("login_hint", None)
        choices = {a.email: str(request.url.replace_query_params(**kept, login_hint=a.email)) for a in self._sorted()}
        unknown = asked.login_hint if self._account(asked.login_hint) is None else ""
        return render_page("choose_account.html", asked=asked, kept=kept, choices=choices, unknown=unknown)

    def _sorted(self) -> list[GoogleAccount]:
        return sorted(self._accounts.all(), key=lambda account: account.email)

    def _consent_page(self, request: Request, asked: AuthorizationRequest, account: GoogleAccount) -> Response:
        sign_in = sign_in_scopes(asked.scopes)
        granted = self._grants.consented(account.email, asked.client_id)
        return render_page(
            "consent.html",
            leaves_site=True,
            asked=asked,
            account=account,
            action=f"?{request.url.query}",
            signs_in=bool(sign_in),
            scopes={scope: scope_descriptions()[scope] for scope in sorted(asked.scopes - sign_in)},
            granular=_asks_for_each_scope(asked),
            ticked=asked.scopes if request.query_params.get("select") == "all" else granted,
            select_all=str(request.url.include_query_params(select="all")),
            other_account=str(request.url.include_query_params(prompt="consent select_account")),
        )


def _asks_for_each_scope(asked: AuthorizationRequest) -> bool:
    """Google asks one by one as soon as there is more than one to ask about."""
    return len(asked.scopes - sign_in_scopes(asked.scopes)) > 1


def _redirect_to_app(asked: AuthorizationRequest, **answer: str) -> Response:
    return RedirectResponse(asked.redirect(**answer), status_code=302)


def _error_page(refused: AuthorizationRefused) -> Response:
    return render_page("authorization_error.html", status=400, refused=refused)
