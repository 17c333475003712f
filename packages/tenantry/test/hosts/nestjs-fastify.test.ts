// NestJS over Fastify.
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { describeHost } from '../support/host-tests.ts'
import { serveNest } from '../support/nest-app.ts'

describeHost({ name: 'NestJS over Fastify', serve: (app) => serveNest(new FastifyAdapter(), app) })
