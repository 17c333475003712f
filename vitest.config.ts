import { defineConfig } from 'vitest/config'
import { SkipReporter } from './packages/tenantry/test/harness/skip-reporter.ts'

export default defineConfig({
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts'],
    globalSetup: ['packages/tenantry/test/harness/global-setup.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', new SkipReporter()],
  },
})
