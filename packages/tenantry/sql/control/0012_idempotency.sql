-- Requests that may be sent again: who sent which one under which key, and what was answered. None of it is granted to
-- anybody: answers hold what their callers may read and others may not.

create table tenantry.idempotency (
  -- SHA-256 of the key or the user that asked, so that no caller meets another one's keys.
  caller      bytea not null check (octet_length(caller) = 32),
  key         text not null check (key ~ '^[ -~]{1,255}$'),
  -- SHA-256 of method, path and body.
  request     bytea not null check (octet_length(request) = 32),
  -- Who runs it, and until when it counts as running where nothing more is heard; null once it is answered.
  holder      uuid,
  lease_until timestamptz,
  -- The answer; the body is null where it held a secret, which is kept nowhere.
  status      integer check (status between 100 and 499),
  headers     jsonb check (jsonb_typeof(headers) = 'object'),
  body        text,
  expires_at  timestamptz not null,
  primary key (caller, key),
  check ((holder is null) = (status is not null)),
  check ((holder is null) = (lease_until is null))
);
create unique index idempotency_holder on tenantry.idempotency (holder) where holder is not null;
create index idempotency_expires_at on tenantry.idempotency (expires_at);
