// A schema with every kind of object that migrations make, and changes by hand that its fingerprint and the comparison
// must see. They are run in the schema, which is its search_path.

export const baseDdl = `
  create type mood as enum ('good', 'bad');
  create domain percentage as numeric(5, 2) constraint in_range check (value between 0 and 100);
  create type address as (street text, city text);
  create type span as range (subtype = numeric);
  create sequence ticket_number increment 10 start 100;
  create function next_ticket() returns bigint language sql volatile as $$ select nextval('ticket_number') $$;
  create function doubled(value numeric) returns numeric language sql immutable return value * 2;
  create function touch() returns trigger language plpgsql as $$ begin new.note = 'touched'; return new; end $$;
  create table customer (
    id bigint generated always as identity primary key, name text not null, email text unique, mood mood default 'good',
    address address, discount percentage, created_at timestamptz not null default now());
  create table invoice (
    id bigserial primary key, customer_id bigint not null constraint invoice_customer references customer,
    ticket bigint not null default next_ticket(), total numeric(12, 2) not null default 0 constraint total_positive check (total >= 0),
    twice numeric generated always as (total * 2) stored, note text, number integer,
    constraint invoice_number unique (customer_id, number) deferrable initially deferred,
    constraint invoice_period exclude using btree (number with =));
  create index invoice_open on invoice (customer_id) include (total) where note is null;
  create index invoice_note on invoice (lower(note));
  create statistics invoice_dependence on customer_id, number from invoice;
  create trigger invoice_touch before update on invoice for each row execute function touch();
  create table reading (at date not null, value numeric) partition by range (at);
  create table reading_2024 partition of reading for values from ('2024-01-01') to ('2025-01-01');
  create table parent (id integer);
  create table child (extra text) inherits (parent);
  create view open_invoice as select i.id, i.total, c.name from invoice i join customer c on c.id = i.customer_id;
  create rule no_delete as on delete to parent do instead nothing`

export interface CatalogueMutation {
  readonly sql: string
  /** The kind of the object that then differs. */
  readonly kind: string
  /** Statements cannot mend all of it without taking rows away or making a table anew. */
  readonly byHand: boolean
}

/** Names in angle brackets are replaced: `<app>`, `<central>`, `<schema>`. */
const changes: Readonly<Record<string, readonly string[]>> = {
  type: [
    'alter type address add attribute country text',
    `alter type mood add value 'worse'`,
    'alter type mood rename to temper',
    'alter domain percentage set not null',
    'alter domain percentage drop constraint in_range',
    'alter domain percentage set default 5',
    'create type extra as enum ()',
  ],
  sequence: [
    'alter sequence ticket_number increment 5',
    'alter sequence ticket_number cycle',
    'alter sequence ticket_number owned by invoice.ticket',
    'alter sequence invoice_id_seq owned by none',
    'create sequence extra',
  ],
  grant: [
    'grant create on schema <schema> to <app>',
    'revoke usage on schema <schema> from <app>',
    'grant usage on type mood to <app>',
    'revoke select on customer from <app>',
    'revoke delete on invoice from <app>',
    'grant truncate on invoice to <app>',
    'grant select on invoice to public',
    'grant select on invoice to <app> with grant option',
    'grant update (note) on invoice to <central>',
    'revoke usage on sequence ticket_number from <app>',
    'revoke execute on function next_ticket() from public',
    'grant execute on function next_ticket() to <app>',
    'alter default privileges in schema <schema> grant select on tables to <app>',
    'revoke select on open_invoice from <app>',
  ],
  table: [
    'alter table customer drop column email, add column email text unique',
    'alter table invoice set (fillfactor = 70)',
    'alter table invoice replica identity full',
    'alter table invoice set unlogged',
    'grant create on schema <schema> to <central>; alter table invoice owner to <central>; revoke create on schema <schema> from <central>',
    'create table extra (id integer)',
    'drop table customer cascade',
    'alter table child no inherit parent',
    'alter table reading detach partition reading_2024',
    "create table reading_2025 partition of reading for values from ('2025-01-01') to ('2026-01-01')",
  ],
  column: [
    'alter table invoice add column extra text',
    'alter table invoice drop column note cascade',
    'alter table invoice rename column note to remark',
    'alter table invoice alter column note type varchar(50)',
    'alter table invoice alter column note set not null',
    'alter table invoice alter column customer_id drop not null',
    `alter table invoice alter column note set default 'x'`,
    'alter table invoice alter column total drop default',
    'alter table invoice alter column twice drop expression',
    'alter table invoice alter column note set statistics 500',
    'alter table invoice alter column note set storage external',
    'alter table invoice alter column note type text collate "C"',
    'alter table customer alter column id set generated by default',
    'alter table customer alter column id drop identity',
  ],
  constraint: [
    'cluster invoice using invoice_pkey',
    'alter table invoice drop constraint total_positive',
    'alter table invoice drop constraint total_positive, add constraint total_positive check (total > 0)',
    'alter table invoice drop constraint total_positive, add constraint total_positive check (total >= 0) not valid',
    'alter table invoice drop constraint invoice_customer',
    'alter table invoice drop constraint invoice_customer, add constraint invoice_customer foreign key (customer_id) references customer on delete cascade',
    'alter table invoice drop constraint invoice_customer, add constraint invoice_customer foreign key (customer_id) references customer not valid',
    'alter table invoice drop constraint invoice_customer, add constraint invoice_customer foreign key (number) references customer',
    'alter table invoice alter constraint invoice_customer deferrable initially deferred',
    'alter table invoice drop constraint invoice_period',
    'alter table invoice rename constraint invoice_number to other',
    'alter table invoice drop constraint invoice_pkey',
    'alter table reading add constraint positive check (value > 0)',
  ],
  index: [
    'drop index invoice_open',
    'create index extra on invoice (total)',
    'drop index invoice_note; create index invoice_note on invoice (upper(note))',
    'drop index invoice_open; create index invoice_open on invoice (customer_id) include (total)',
    'drop index invoice_open; create index invoice_open on invoice (customer_id desc) include (total) where note is null',
    'drop index invoice_open; create unique index invoice_open on invoice (customer_id) include (total) where note is null',
    'alter index invoice_note set (fillfactor = 60)',
  ],
  view: [
    'create or replace view open_invoice as select i.id, i.total, c.name from invoice i join customer c on c.id = i.customer_id where i.total > 0',
    'alter view open_invoice set (security_invoker = false)',
    'alter view open_invoice set (security_barrier = true)',
    'drop view open_invoice',
  ],
  function: [
    `create or replace function next_ticket() returns bigint language sql volatile as $$ select 1::bigint $$`,
    'alter function next_ticket() stable',
    'alter function next_ticket() security definer',
    'alter function next_ticket() set search_path = pg_catalog',
    'alter function next_ticket() cost 7',
    'create function doubled(integer) returns integer language sql return $1',
    'create or replace function doubled(value numeric) returns numeric language sql immutable return value * 3',
    'drop function next_ticket() cascade',
  ],
  trigger: [
    'alter table invoice disable trigger invoice_touch',
    'alter table invoice enable always trigger invoice_touch',
    'drop trigger invoice_touch on invoice',
    'create or replace trigger invoice_touch before insert on invoice for each row execute function touch()',
  ],
  policy: [
    'alter table invoice no force row level security',
    'alter table invoice disable row level security',
    'drop policy tenantry_guard on invoice',
    'drop policy tenantry_central on customer',
    'alter policy tenantry_guard on invoice using (true)',
    'alter policy tenantry_guard on invoice with check (true)',
    'alter policy tenantry_guard on invoice to public',
    `alter policy tenantry_guard on invoice using ((select tenantry.current_tenant_id()) = '00000000-0000-0000-0000-000000000001'::uuid)`,
    'create policy extra on invoice using (true)',
    'create policy extra on invoice as restrictive for select using (total > 0)',
  ],
  rule: ['drop rule no_delete on parent', 'alter table parent disable rule no_delete'],
  statistics: ['drop statistics invoice_dependence', 'alter statistics invoice_dependence set statistics 1000'],
}

const byHand = new Set([
  'alter table child no inherit parent',
  `alter type mood add value 'worse'`,
  'create table extra (id integer)',
  `create table reading_2025 partition of reading for values from ('2025-01-01') to ('2026-01-01')`,
  'alter table invoice add column extra text',
  'alter table invoice drop column note cascade',
  'alter table invoice rename column note to remark',
  'alter table invoice alter column twice drop expression',
  'alter type address add attribute country text',
  'alter table customer drop column email, add column email text unique',
])

export const catalogueMutations: readonly CatalogueMutation[] = Object.entries(changes).flatMap(([kind, statements]) =>
  statements.map((sql) => ({ kind, sql, byHand: byHand.has(sql) })),
)

export interface MutationNames {
  readonly app: string
  readonly central: string
  readonly schema: string
}

export function statementsOf({ sql }: CatalogueMutation, { app, central, schema }: MutationNames): string {
  return sql.replaceAll('<app>', app).replaceAll('<central>', central).replaceAll('<schema>', schema)
}
