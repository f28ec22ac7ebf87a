/* whalefall */
-- Returns: one row per account, role and PUBLIC: user, host, global privileges as bits, the version that wrote them,
--          whether a role, plugin, number of alternative logins and (JSON) their plugins and
--          whether their passwords are empty, whether locked, whether the password is empty,
--          when it was set (Unix time; 0: expired by hand), its lifetime in days (NULL: the server's default), default
--          role, TLS requirements, resource limits, denials (JSON, since 13.1)
-- Needs: SELECT on mysql.global_priv
-- Since: 10.4
SELECT g.User, g.Host,
       JSON_VALUE(g.Priv, '$.access'), JSON_VALUE(g.Priv, '$.version_id'), JSON_VALUE(g.Priv, '$.is_role'),
       JSON_VALUE(g.Priv, '$.plugin'), JSON_LENGTH(g.Priv, '$.auth_or'),
       JSON_ARRAY(JSON_VALUE(g.Priv, '$.auth_or[0].plugin'), JSON_VALUE(g.Priv, '$.auth_or[1].plugin'),
                  JSON_VALUE(g.Priv, '$.auth_or[2].plugin'), JSON_VALUE(g.Priv, '$.auth_or[3].plugin')),
       JSON_ARRAY(COALESCE(JSON_VALUE(g.Priv, '$.auth_or[0].authentication_string'), '') = '',
                  COALESCE(JSON_VALUE(g.Priv, '$.auth_or[1].authentication_string'), '') = '',
                  COALESCE(JSON_VALUE(g.Priv, '$.auth_or[2].authentication_string'), '') = '',
                  COALESCE(JSON_VALUE(g.Priv, '$.auth_or[3].authentication_string'), '') = ''),
       JSON_VALUE(g.Priv, '$.account_locked'), COALESCE(JSON_VALUE(g.Priv, '$.authentication_string'), '') = '',
       JSON_VALUE(g.Priv, '$.password_last_changed'), JSON_VALUE(g.Priv, '$.password_lifetime'),
       JSON_VALUE(g.Priv, '$.default_role'),
       JSON_VALUE(g.Priv, '$.ssl_type'), JSON_VALUE(g.Priv, '$.ssl_cipher'), JSON_VALUE(g.Priv, '$.x509_issuer'),
       JSON_VALUE(g.Priv, '$.x509_subject'),
       JSON_VALUE(g.Priv, '$.max_questions'), JSON_VALUE(g.Priv, '$.max_updates'),
       JSON_VALUE(g.Priv, '$.max_connections'), JSON_VALUE(g.Priv, '$.max_user_connections'),
       JSON_VALUE(g.Priv, '$.max_statement_time'), JSON_EXTRACT(g.Priv, '$.denies')
FROM mysql.global_priv g
