// The one place that knows jose, loaded when the first token has to be verified.
import type { JWTVerifyGetKey } from 'jose'

export type GetKey = JWTVerifyGetKey
export type Jose = typeof import('jose')

export const loadJose = (): Promise<Jose> => import('jose')
