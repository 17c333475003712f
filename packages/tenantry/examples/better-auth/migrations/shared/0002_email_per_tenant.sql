-- Two tenants may each have a user of the same e-mail address. Everything else that the shared tables need, protect() adds.
alter table "user" add column tenant_id uuid not null;
alter table "user" drop constraint user_email_key, add unique (tenant_id, email);
