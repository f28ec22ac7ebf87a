"""Texts of the admin's theme, which brings no Chinese. Listed here, `makemessages` collects them with our own."""

from __future__ import annotations

from whalefall.errors import N_

TEXTS: tuple[str, ...] = (
    N_("After you've created a user, you’ll be able to edit more user options."),
    N_("All applications"),
    N_("Apply Filters"),
    N_("Cancel"),
    N_("Choose file to upload"),
    N_("Click to cancel"),
    N_("Click to download"),
    N_("Dark"),
    N_("Date"),
    N_("Date from"),
    N_("Date to"),
    N_("Expand row"),
    N_("False"),
    N_("From"),
    N_("General"),
    N_("Go back"),
    N_("Image preview"),
    N_("Light"),
    N_("Loading more results..."),
    N_("More actions"),
    N_("Next"),
    N_("No data"),
    N_("No recent searches"),
    N_("No results found"),
    N_("No results matching your query"),
    N_("Not enough data."),
    N_("Previous"),
    N_(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can change the password "
        'using <a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ),
    N_("Recent searches"),
    N_("Record picture"),
    N_("Reset filters"),
    N_("Return to site"),
    N_("Run"),
    N_("Search apps and models..."),
    N_("Select action"),
    N_("Select action to run"),
    N_("Select all rows"),
    N_("Select record"),
    N_("Select value"),
    N_("This item will be deleted."),
    N_("This page yielded into no results. Create a new item or reset your filters."),
    N_("To"),
    N_("Toggle password visibility"),
    N_("True"),
    N_("Type to search"),
    N_("Value"),
    N_("Welcome back to"),
    N_("You have been successfully logged out from the administration"),
)
