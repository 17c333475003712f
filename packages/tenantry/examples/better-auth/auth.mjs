// better-auth as its documentation sets it up. Its database is the scoped pool; nothing else knows of tenants.
import { betterAuth } from 'better-auth'
import { bearer, jwt, twoFactor } from 'better-auth/plugins'

export const baseURL = 'http://localhost'

/** The tables of these options are what migrations/ creates. */
export const authOptions = (database) => ({
  database,
  baseURL,
  secret: 'an example: read yours from the environment',
  emailAndPassword: { enabled: true },
  session: {
    updateAge: 0,
    // A session kept in a cookie alone would be believed in every tenant: it is signed, but names none.
    cookieCache: { enabled: false },
  },
  plugins: [twoFactor(), bearer(), jwt()],
  logger: { level: 'error' },
})

/** The tables, as protect() is to be told of them: whom others refer to comes first. */
export const tables = ['user', 'session', 'account', 'verification', 'twoFactor', 'jwks']

export const openAuth = (pool) => betterAuth(authOptions(pool))
