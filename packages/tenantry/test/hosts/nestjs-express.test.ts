// NestJS over Express.
import { ExpressAdapter } from '@nestjs/platform-express'
import { describeHost } from '../support/host-tests.ts'
import { serveNest } from '../support/nest-app.ts'

describeHost({ name: 'NestJS over Express', serve: (app) => serveNest(new ExpressAdapter(), app) })
