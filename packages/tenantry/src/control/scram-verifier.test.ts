import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { scramVerifier } from './scram-verifier.ts'

test('the verifier signs the example exchange of RFC 7677 as its server does', async () => {
  const salt = 'W22ZaJ0SNY7soEsUEjb6gQ=='
  const verifier = await scramVerifier('pencil', Buffer.from(salt, 'base64'))
  const [, iterations, saltPart, , serverKey] = /^SCRAM-SHA-256\$(\d+):(.*)\$(.*):(.*)$/.exec(verifier) ?? []
  expect([iterations, saltPart]).toEqual(['4096', salt])
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const exchange = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=${salt},i=4096,c=biws,r=${nonce}`
  const signature = createHmac('sha256', Buffer.from(serverKey ?? '', 'base64'))
    .update(exchange)
    .digest('base64')
  expect(signature).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
})

test('two verifiers of one password share nothing but the form', async () => {
  expect(await scramVerifier('same')).not.toBe(await scramVerifier('same'))
})
