-- What row tenants share. The keys begin with the tenant, so that each tenant counts from 1 and no foreign key can
-- point at another tenant's row; `tenantry protect` adds the policies and whatever of this a table still lacks.
create table customers (
  tenant_id uuid not null default tenantry.claimed_tenant_id(),
  id integer not null,
  name text not null,
  primary key (tenant_id, id)
);

create table products (
  tenant_id uuid not null default tenantry.claimed_tenant_id(),
  id integer not null,
  name text not null,
  price numeric(10, 2) not null,
  primary key (tenant_id, id)
);

create table invoices (
  tenant_id uuid not null default tenantry.claimed_tenant_id(),
  id integer not null,
  customer_id integer not null,
  issued_on date not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers
);

create table invoice_lines (
  tenant_id uuid not null default tenantry.claimed_tenant_id(),
  invoice_id integer not null,
  product_id integer not null,
  quantity integer not null,
  primary key (tenant_id, invoice_id, product_id),
  foreign key (tenant_id, invoice_id) references invoices,
  foreign key (tenant_id, product_id) references products
);
