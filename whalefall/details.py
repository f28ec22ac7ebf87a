"""What our own code says as the detail of a failure, or as the reason why a scope or a login is not open to us.

Rows store such words beside those of servers, so they are recognised and translated when they are shown. A leaf.
"""

from __future__ import annotations

import re
from string import Formatter

from whalefall.errors import N_

DETAILS: tuple[str, ...] = (
    N_("11.2 or older"),
    N_("9.5 or older"),
    N_("a database is hidden, so none is taken for dropped"),
    N_("a result is still being stored; cancel again in a minute"),
    N_("an expression is an object with version and expr"),
    N_("Azure SQL Database: a connection sees one database only"),
    N_("checking the server's certificate needs a CA certificate"),
    N_("connection limit 0"),
    N_("invalid since an interrupted DROP DATABASE"),
    N_("it cannot be deleted"),
    N_("more than {number} grants even when objects are summarised by schema"),
    N_("more than {number} rows in {table}"),
    N_("mounted"),
    N_("neither pg_read_all_stats nor CONNECT"),
    N_("no access to the database"),
    N_("no address answered"),
    N_("no answer to the connection request"),
    N_("no CONNECT privilege"),
    N_("no PROCESS privilege"),
    N_("no SELECT on {tables}"),
    N_("no service can have this name"),
    N_("no VIEW DEFINITION in the database"),
    N_("not accepting connections"),
    N_("not all of its files can be accessed"),
    N_("not in the CONTAINER_DATA of the monitoring account"),
    N_("open in restricted mode only"),
    N_("silent for longer than {seconds} s"),
    N_("storing took longer than {seconds} s"),
    N_("summarised"),
    N_("the CA certificate cannot be read"),
    N_("the CA certificate cannot be used: {problem}"),
    N_("the database has no files"),
    N_("the databases before it took the whole time"),
    N_("the driver lacks a library of this machine: install libltdl7 and libgssapi-krb5-2"),
    N_("the login is in another one"),
    N_("the login took too long"),
    N_("the monitoring account sees no such database"),
    N_("the name servers do not answer"),
    N_("the peer does not speak Oracle Net"),
    N_("the row of {account} in the user table cannot be understood"),
    N_("the server asks for the password in plain text, which is never sent"),
    N_("the server closed the connection"),
    N_("the server does not answer"),
    N_("the server offers no TLS"),
    N_("the server reports the version {version}"),
    N_("the server sends its clients to {address}: name that one"),
    N_("the session is read-only"),
    N_("the files of the database snapshot are not open"),
    N_("the tablespaces could not be measured: {detail}"),
    N_("the whole read took longer than {seconds} s and could not be ended"),
    N_("the whole read took longer than {seconds} s"),
    N_("without pg_read_all_stats some tablespaces are left out"),
    N_("without {privileges} databases or tables may be hidden, or sizes be estimates"),
    N_("unknown db_type {name}; known are: {known}"),
    N_("user name, password or database cannot be sent to a server"),
    N_("vanished"),
    N_("version must be 4 or 5, not {value}"),
    N_("without CONTAINER_DATA=ALL nobody can say which pluggable databases exist"),
    N_("without SHOW DATABASES nobody can say which databases a pattern matches"),
    N_("without VIEW ANY DATABASE nobody can say which databases exist"),
    N_("without VIEW ANY DEFINITION an offline database may be hidden"),
    N_("without VIEW ANY DEFINITION the files of a closed database are hidden"),
    N_("without VIEW SERVER STATE a database snapshot cannot be measured"),
    N_("{answer} is not from SQL Server"),
    N_("{path} ends in a lone backslash"),
    N_("{path} has neither op nor fn"),
    N_("{path} holds a character that no name can have"),
    N_("{path} is longer than {most} characters"),
    N_("{path} is missing"),
    N_("{path} is one of more than {number} nodes"),
    N_("{path} knows no {key}; known are {known}"),
    N_("{path} lies deeper than {levels} levels"),
    N_("{path} must be a list of 1 to {most} words"),
    N_("{path} must be a list that is not empty"),
    N_("{path} must be a text that is not empty"),
    N_("{path} must be a whole number of days from 1 to {most}"),
    N_("{path} must be an object"),
    N_("{path} must be an object with op or fn"),
    N_("{path} must be one of {known}, not {value}"),
    N_("{path} must be true or false"),
    N_("{path} of NOT is one node, not {number}"),
    N_("{path} takes nothing, not even {key}"),
    N_("{path}: {function} is unknown; known are {known}"),
    N_("{path}: {function} needs version {version}"),
)
# What a place can hold where anything at all would take a server's words for ours: a path in a rule's expression.
_PLACES = {"path": r"expr[\w.\[\]]*"}


def _pattern(template: str) -> re.Pattern[str]:
    parts = [(re.escape(text), name) for text, name, _, _ in Formatter().parse(template)]
    return re.compile(
        "".join(text + (f"(?P<{name}>{_PLACES.get(name, '.+')})" if name else "") for text, name in parts)
    )


_PATTERNS = {template: _pattern(template) for template in DETAILS}


def recognise(text: str) -> tuple[str, dict[str, str]]:
    """The template of words that are our own, with what stands in its places; empty when they are not."""
    for template, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(text):
            return template, found.groupdict()
    return "", {}
