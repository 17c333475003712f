// The invoicing data set: four businesses, and the statements that load and read them. The statements are the same for
// row and for schema tenants, because neither kind names its tenant.

export const tables = ['customers', 'products', 'invoices', 'invoice_lines']

export const businesses = [
  {
    ...{ name: 'Acme Corp', slug: 'acme-corp', isolation: 'row' },
    customers: ['Road Runner Express', 'Wile E. Coyote', 'Desert Freight'],
    products: { Anvil: 89.5, 'Rocket skates': 249, 'Giant magnet': 129.9 },
  },
  {
    ...{ name: 'Globex', slug: 'globex', isolation: 'row' },
    customers: ['Cypress Creek School', 'Hammock District'],
    products: { 'Weather machine': 9800, Hammock: 59, Monorail: 30_000 },
  },
  {
    ...{ name: 'Initech', slug: 'initech', isolation: 'schema' },
    customers: ['Chotchkie Restaurants', 'Bob & Bob Consulting'],
    products: { 'TPS report': 12.75, Stapler: 19.9, 'Bank software': 4200 },
  },
  {
    ...{ name: 'Hooli', slug: 'hooli', isolation: 'schema' },
    customers: ['Raviga Capital', 'Bachmanity', 'Pied Piper', 'Gavin Belson'],
    products: { 'Signature Box': 1499, Nucleus: 799, HooliChat: 5 },
  },
]

const INVOICES_PER_CUSTOMER = 3

/** Loads one business through its tenant's scope: one transaction, four statements, no tenant named anywhere. */
export async function load(scope, { customers, products }) {
  const invoices = customers.flatMap((_name, index) => Array.from({ length: INVOICES_PER_CUSTOMER }, () => index + 1))
  const lines = invoices.flatMap((_customer, index) => [
    { invoice: index + 1, product: (index % 3) + 1, quantity: (index % 4) + 1 },
    { invoice: index + 1, product: ((index + 1) % 3) + 1, quantity: 1 },
  ])
  await scope.transaction(async (tx) => {
    await tx.query(
      'insert into customers (id, name) select ordinality, name from unnest($1::text[]) with ordinality as given (name, ordinality)',
      [customers],
    )
    await tx.query(
      `insert into products (id, name, price)
       select ordinality, name, price from unnest($1::text[], $2::numeric[]) with ordinality as given (name, price, ordinality)`,
      [Object.keys(products), Object.values(products)],
    )
    await tx.query(
      `insert into invoices (id, customer_id, issued_on)
       select ordinality, customer, date '2026-01-01' + 11 * ordinality::integer
         from unnest($1::integer[]) with ordinality as given (customer, ordinality)`,
      [invoices],
    )
    await tx.queryAndCommit(
      'insert into invoice_lines (invoice_id, product_id, quantity) select * from unnest($1::integer[], $2::integer[], $3::integer[])',
      [lines.map((line) => line.invoice), lines.map((line) => line.product), lines.map((line) => line.quantity)],
    )
  })
}

/** What a tenant's bookkeeper asks: each customer with invoices and turnover. */
export const turnover = `
  select customers.name as customer, count(distinct invoices.id)::integer as invoices,
         to_char(sum(quantity * price), 'FM999G999G990.00') as total
    from customers
    join invoices on invoices.customer_id = customers.id
    join invoice_lines on invoice_lines.invoice_id = invoices.id
    join products on products.id = invoice_lines.product_id
   group by customers.id, customers.name order by customers.id`
