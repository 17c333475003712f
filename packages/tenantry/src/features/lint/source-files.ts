// Finds the files to lint below a folder. Symbolic links are not followed: what they point at is either found under
// its own name or does not belong to the folder, and no loop of them can keep the walk going.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface SourceFile {
  /** Relative to the folder, with `/`. */
  readonly path: string
  readonly language: 'script' | 'sql'
}

export interface FoundFiles {
  readonly files: readonly SourceFile[]
  /** Folders that could not be listed. */
  readonly unreadable: readonly string[]
}

/** Folders that hold no source of the user's; those whose name begins with a dot are left out, too. */
const IGNORED = new Set(['node_modules', 'dist', 'coverage'])

/** The scripts and SQL files, sorted by path. Throws where the folder itself cannot be listed. */
export async function findSourceFiles(folder: string, ignore: readonly string[]): Promise<FoundFiles> {
  const files: SourceFile[] = []
  const unreadable: string[] = []
  const ignored = new Set(ignore.map((path) => path.replace(/^\.\/|\/+$/g, '')))
  const waiting = ['']
  for (const path of waiting) {
    const entries = await readdir(join(folder, path), { withFileTypes: true }).catch((error: unknown) => {
      if (path === '') throw error
      unreadable.push(path)
      return []
    })
    for (const entry of entries) {
      const own = path === '' ? entry.name : `${path}/${entry.name}`
      if (ignored.has(own) || ignored.has(entry.name)) continue
      const language = languageOf(entry.name)
      if (entry.isDirectory() && !IGNORED.has(entry.name) && !entry.name.startsWith('.')) waiting.push(own)
      else if (entry.isFile() && language !== undefined) files.push({ path: own, language })
    }
  }
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), unreadable: unreadable.sort() }
}

function languageOf(name: string): SourceFile['language'] | undefined {
  if (/\.[cm]?[jt]sx?$/i.test(name)) return 'script'
  return /\.sql$/i.test(name) ? 'sql' : undefined
}
