// Verify over HTTP: run it, or read what the newest run found.
import type { App } from './app.ts'
import { VerifyReportSchema, VerifySchema } from './contract.ts'
import type { ControlPlane } from './control-plane.ts'
import { bodyOf } from './input.ts'
import { bodyFailures, failures, json, mount, secured, type Route } from './route.ts'

const tags = ['Operations']

type Verifying = Pick<ControlPlane, 'verify' | 'lastVerification'>

export function verifyRoutes(app: App, controlPlane: Verifying): void {
  mountRun(app, controlPlane)
  mountLast(app, controlPlane)
}

function mountRun(app: App, controlPlane: Verifying): void {
  const route: Route = {
    method: 'post',
    path: '/api/verify',
    operationId: 'runVerify',
    summary: 'Examine and attack the isolation of this database, and store the report',
    tags,
    security: secured,
    request: { body: { required: false, content: json(VerifySchema) } },
    responses: {
      200: { description: 'The report; `ok` says whether isolation holds.', content: json(VerifyReportSchema) },
      ...failures(...bodyFailures),
    },
  }
  mount(app, route, async (c) => {
    const { only, readOnly, allowSkipped, sampleSchemas } = await bodyOf(c, VerifySchema, { optional: true })
    const report = await controlPlane.verify({
      actor: c.get('actor'),
      ...(only && { only }),
      ...(readOnly !== undefined && { readOnly }),
      ...(allowSkipped !== undefined && { allowSkipped }),
      ...(sampleSchemas !== undefined && { sampleSchemas }),
    })
    return c.json(report)
  })
}

function mountLast(app: App, controlPlane: Verifying): void {
  const route: Route = {
    method: 'get',
    path: '/api/verify',
    operationId: 'getVerify',
    summary: 'The report of the newest run of verify',
    tags,
    security: secured,
    responses: { 200: { description: 'The report.', content: json(VerifyReportSchema) }, ...failures(401, 404) },
  }
  mount(app, route, async (c) => c.json(await controlPlane.lastVerification()))
}
