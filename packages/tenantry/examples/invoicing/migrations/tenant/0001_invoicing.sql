-- What each schema tenant has for itself: the same tables, without any word of tenants.
create table customers (
  id integer primary key,
  name text not null
);

create table products (
  id integer primary key,
  name text not null,
  price numeric(10, 2) not null
);

create table invoices (
  id integer primary key,
  customer_id integer not null references customers,
  issued_on date not null
);

create table invoice_lines (
  invoice_id integer not null references invoices,
  product_id integer not null references products,
  quantity integer not null,
  primary key (invoice_id, product_id)
);
