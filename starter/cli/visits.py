"""Make links to merchants' settings pages, and end visits there."""

from slotsync.errors import UnknownSubject
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.audit_log import AuditLog
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from starter.cli.terminal import console, plain, print_json
from starter.services.settings_links import LinkTarget, SettingsLinks


def show_link(merchant: str, *, as_json: bool) -> None:
    """Print a new link to the merchant's settings page.

    Raises:
        UnknownSubject: nothing is stored for the merchant.
        SettingsError: SLOTSYNC_PUBLIC_URL is not set.
    """
    settings, store = _open()
    if _merchants(settings, store).get(merchant) is None:
        raise UnknownMerchant
    link = SettingsLinks(settings, store).create(merchant, LinkTarget.SETTINGS)
    if as_json:
        print_json(link.model_dump(mode="json"))
    else:
        console.print(plain(link.url), soft_wrap=True)


def end_visits(merchant: str) -> None:
    """End all visits of the merchant's settings page, and the links to it that were made before.

    Raises:
        UnknownSubject: nothing is stored for the merchant.
    """
    settings, store = _open()
    if not _merchants(settings, store).end_visits(merchant):
        raise UnknownMerchant
    ended = f"All visits of {plain(merchant)} have ended"
    console.print(f"{ended}, and the links that were made before do not work any more.")


class UnknownMerchant(UnknownSubject):
    """The platform has put neither this merchant nor a product of it."""

    def __init__(self) -> None:
        super().__init__("The merchant is not known; put it, or one of its products, first.")


def _merchants(settings: Settings, store: Store) -> Merchants:
    vault = Vault(settings.encryption_keys)
    return Merchants(store, vault, AuditLog(store, vault))


def _open() -> tuple[Settings, Store]:
    settings = Settings.load()
    store = Store.open(settings.database_url)
    store.require_tables()
    return settings, store
