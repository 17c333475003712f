-- Direct credentials: login roles that belong to one tenant each. No password and no verifier is kept here; PostgreSQL
-- keeps the verifier. Whoever could write here could choose a tenant: the admin login alone may.

create table tenantry.credential (
  -- The instance's own roles enter every tenant by its signed context and must never have one without.
  username   name primary key check (username !~ '^tn_[0-9a-f]{8}_(login|app|central)$'),
  -- tenantry.direct_tenant_id wants both name and oid to match.
  role_oid   oid not null unique,
  -- No cascade: a row must not vanish while its role exists.
  tenant_id  uuid not null references tenantry.tenant (id),
  -- The username of the credential's first role. Rotation alternates between it and one derived from it.
  name       name not null,
  created_at timestamptz not null default now(),
  -- Set by a rotation on the role that it replaces.
  expires_at timestamptz,
  revoked_at timestamptz
);
create index credential_tenant on tenantry.credential (tenant_id, name, created_at);
