"""Pages on which nobody edits: what a server said is shown as it is."""

from __future__ import annotations

from sessions_app.admin.readonly import ReadOnlyAdmin


class AccountsAdmin(ReadOnlyAdmin):
    """A list and a page about accounts, in their style."""

    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False

    class Media:
        css = {"all": ["accounts_sync/accounts.css"]}
