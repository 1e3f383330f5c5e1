"""The authorization endpoint: the user chooses an account, and allows or refuses what an app requests."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from localgoogle.oauth.authorization_request import AuthorizationRefused, AuthorizationRequest
from localgoogle.pages.rendering import render_page
from localgoogle.protocol.scopes import join_scopes, scope_descriptions, sign_in_scopes
from localgoogle.state.accounts import GoogleAccount, GoogleAccounts
from localgoogle.state.grants import CODE_LIFETIME, AuthorizationCode, Caller


class AuthorizationEndpoint:
    """The pages on which a user chooses an account, and allows or refuses what an app requests."""

    def __init__(self, accounts: GoogleAccounts) -> None:
        self._accounts = accounts
        self._grants = accounts.grants

    async def show(self, request: Request) -> Response:
        """Return the next page to show, or a redirect to the app if the user has nothing left to decide."""
        try:
            wanted = AuthorizationRequest.read(request.query_params)
        except AuthorizationRefused as refused:
            return _error_page(refused)
        account = self._find_account(wanted.login_hint)
        allowed_before = account is not None and self._has_consent(wanted, account)
        if "none" in wanted.prompts and not allowed_before:
            return _redirect_to_app(wanted, error="interaction_required")
        if account is None or "select_account" in wanted.prompts:
            return self._account_page(request, wanted)
        if allowed_before:
            return self._allow(wanted, account, wanted.scopes)
        return self._consent_page(request, wanted, account)

    async def decide(self, request: Request) -> Response:
        """Return a redirect to the app with the user's decision on the consent page."""
        try:
            wanted = AuthorizationRequest.read(request.query_params)
        except AuthorizationRefused as refused:
            return _error_page(refused)
        form = await request.form()
        account = self._find_account(str(form.get("email", "")))
        if account is None:
            return self._account_page(request, wanted)
        if form.get("decision") != "allow":
            return _redirect_to_app(wanted, error="access_denied")
        ticked = frozenset(map(str, form.getlist("scope"))) if _has_checkboxes(wanted) else wanted.scopes
        return self._allow(wanted, account, wanted.scopes & ticked | sign_in_scopes(wanted.scopes))

    def _find_account(self, name: str) -> GoogleAccount | None:
        by_number = (account for account in self._accounts.all() if account.sub == name)
        return self._accounts.find(name) or next(by_number, None)

    def _has_consent(self, wanted: AuthorizationRequest, account: GoogleAccount) -> bool:
        """Return whether the user allowed all of it before, so that no consent is necessary."""
        granted = wanted.scopes <= self._grants.consented_scopes(account.email, wanted.client_id)
        holds_token = self._grants.has_refresh_token(account.email, wanted.client_id)
        return granted and "consent" not in wanted.prompts and (holds_token or not wanted.offline)

    def _allow(self, wanted: AuthorizationRequest, account: GoogleAccount, scopes: frozenset[str]) -> Response:
        if not scopes:
            return _redirect_to_app(wanted, error="access_denied")
        if wanted.include_granted:
            scopes |= self._grants.consented_scopes(account.email, wanted.client_id)
        caller = Caller(account.email, wanted.client_id, scopes)
        code = self._grants.issue_code(self._build_code(wanted, caller))
        self._grants.consent(caller)
        return _redirect_to_app(
            wanted, code=code, scope=join_scopes(scopes), authuser="0", prompt=" ".join(wanted.prompts) or "none"
        )

    def _build_code(self, wanted: AuthorizationRequest, caller: Caller) -> AuthorizationCode:
        first = not self._grants.has_refresh_token(caller.email, caller.client_id)
        return AuthorizationCode(
            caller=caller,
            redirect_uri=wanted.redirect_uri,
            expires=self._grants.clock() + CODE_LIFETIME,
            with_refresh_token=wanted.offline and (first or "consent" in wanted.prompts),
            challenge=wanted.challenge,
            challenge_method=wanted.challenge_method,
            nonce=wanted.nonce,
        )

    def _account_page(self, request: Request, wanted: AuthorizationRequest) -> Response:
        """Return the page of accounts; its links lead to this endpoint with an account as ``login_hint``."""
        prompt = " ".join(wanted.prompts - {"select_account"})
        kept = {**request.query_params, "prompt": prompt}
        kept.pop("login_hint", None)
        emails = sorted(account.email for account in self._accounts.all())
        choices = {email: str(request.url.replace_query_params(**kept, login_hint=email)) for email in emails}
        unknown = wanted.login_hint if self._find_account(wanted.login_hint) is None else ""
        return render_page("choose_account.html", wanted=wanted, kept=kept, choices=choices, unknown=unknown)

    def _consent_page(self, request: Request, wanted: AuthorizationRequest, account: GoogleAccount) -> Response:
        sign_in = sign_in_scopes(wanted.scopes)
        granted = self._grants.consented_scopes(account.email, wanted.client_id)
        return render_page(
            "consent.html",
            leaves_site=True,
            wanted=wanted,
            account=account,
            action=f"?{request.url.query}",
            signs_in=bool(sign_in),
            scopes={scope: scope_descriptions()[scope] for scope in sorted(wanted.scopes - sign_in)},
            granular=_has_checkboxes(wanted),
            ticked=wanted.scopes if request.query_params.get("select") == "all" else granted,
            select_all=str(request.url.include_query_params(select="all")),
            other_account=str(request.url.include_query_params(prompt="consent select_account")),
        )


def _has_checkboxes(wanted: AuthorizationRequest) -> bool:
    """Return whether the user chooses scope by scope: Google has checkboxes if there is more than one to choose."""
    return len(wanted.scopes - sign_in_scopes(wanted.scopes)) > 1


def _redirect_to_app(wanted: AuthorizationRequest, **answer: str) -> Response:
    return RedirectResponse(wanted.redirect_url(**answer), status_code=302)


def _error_page(refused: AuthorizationRefused) -> Response:
    return render_page("authorization_error.html", status=400, refused=refused)
