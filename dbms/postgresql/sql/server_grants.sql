/* whalefall */
-- Returns: class (database, tablespace, parameter), name, grantee (0 is PUBLIC), privilege, whether grantable.
--          An untouched database ACL is expanded, so that what PUBLIC has by default is seen
-- Needs: nothing beyond a login
-- Since: 15
SELECT 'database', d.datname::text, e.grantee, e.privilege_type, e.is_grantable
FROM pg_database d, LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) e
WHERE e.grantee <> d.datdba
UNION ALL
SELECT 'tablespace', quote_ident(t.spcname), e.grantee, e.privilege_type, e.is_grantable
FROM pg_tablespace t, LATERAL aclexplode(t.spcacl) e
WHERE e.grantee <> t.spcowner
UNION ALL
SELECT 'parameter', p.parname, e.grantee, e.privilege_type, e.is_grantable
FROM pg_parameter_acl p, LATERAL aclexplode(p.paracl) e
WHERE e.grantee <> 10 -- the bootstrap superuser owns every parameter
