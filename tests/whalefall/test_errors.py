"""The catalogue of anticipated failures: what rows store leads to one text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from whalefall import messages
from whalefall.errors import CATALOGUE, WhaleFallError

# By reason: what may pass by itself. A rejected login never does: every further one may lock the account.
TRANSIENT = {
    "dns", "refused", "timeout", "protocol", "restarting", "too_many_connections", "outdated", "unavailable",
}  # fmt: skip
UNWORDED = {"RemoteError"}  # a base that is never raised itself


def below(error: type[WhaleFallError]) -> Iterator[type[WhaleFallError]]:
    for kind in error.__subclasses__():
        yield kind
        yield from below(kind)


def test_the_catalogue_holds_every_error_once():
    counted = Counter(error.__name__ for error in CATALOGUE)
    defined = {error.__name__ for error in below(WhaleFallError) if error.__module__.startswith("whalefall.errors.")}
    assert [name for name, number in counted.items() if number > 1] == []
    assert counted.keys() == defined - UNWORDED


def test_a_code_and_a_reason_mean_one_text():
    texts = defaultdict(set)
    for error in CATALOGUE:
        texts[error.message_code, error.reason].add((error.text, error.hint))
    assert {key: found for key, found in texts.items() if len(found) > 1} == {}


def test_what_a_row_stores_of_an_error_gives_its_text_again():
    for error in CATALOGUE:
        revived = messages.revive(error.message_code, error.reason, {})
        assert (revived.text, revived.hint) == (error.text, error.hint)


def test_only_what_may_pass_by_itself_is_tried_again():
    assert {error.reason for error in CATALOGUE if error.transient} == TRANSIENT
    assert not [error for error in CATALOGUE if error.reason in TRANSIENT and not error.transient]


def test_a_rejected_login_is_never_transient():
    logins = [error for error in CATALOGUE if error.reason in ("auth", "account_locked", "password_expired")]
    assert len(logins) == 3
    assert not any(error.transient for error in logins)
