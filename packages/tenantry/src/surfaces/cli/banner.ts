// What `tenantry dev` says once it answers: where, with which key, and what to type next.

export interface Banner {
  readonly url: string
  /** The admin key, at the start that has made it. */
  readonly newAdminKey: string | undefined
  readonly dataDir: string
  readonly adminUrl: string | undefined
  /** How the command is called here. */
  readonly command: string
}

/** The lines of the banner. The curl line works as it stands. */
export function bannerLines({ url, newAdminKey, dataDir, adminUrl, command }: Banner): string[] {
  return [
    `Tenantry is running at ${url}`,
    '',
    ...(newAdminKey === undefined ? [] : [`  Admin key    ${newAdminKey}`, '               shown this once: keep it']),
    `  Data folder  ${dataDir}`,
    '',
    'Next, in a second terminal:',
    ...curlLines(url, newAdminKey),
    `  ${command} list`,
    ...(adminUrl === undefined
      ? []
      : ['', 'For init, doctor, sql and protect:', `  export DATABASE_ADMIN_URL='${adminUrl}'`]),
    '',
    'Ctrl-C stops it.',
  ]
}

function curlLines(url: string, key: string | undefined): string[] {
  // A key that was made earlier is not known here: only its hash is stored.
  if (key === undefined) return [`  curl ${url}/health`]
  return [
    `  curl -X POST ${url}/api/tenants -H 'Authorization: Bearer ${key}' \\`,
    `    -H 'Content-Type: application/json' -d '{"name":"Acme Corp"}'`,
  ]
}
