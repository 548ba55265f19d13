// The operator's token: DATA/token, 32 random bytes, readable by its owner alone. Whoever reads it may do everything
// that this node may.
import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { NimbusError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'

const TOKEN = /^nimt-[A-Za-z0-9_-]{43}$/

/** Reads the token of a data folder, or makes one at the first start. */
export async function operatorToken(dataDir: string, random: Random): Promise<string> {
  const file = join(dataDir, 'token')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const fresh = `nimt-${Buffer.from(random.bytes(32)).toString('base64url')}`
  try {
    await using handle = await open(file, 'wx', 0o600)
    await handle.writeFile(`${fresh}\n`)
    await handle.sync()
    return fresh
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const mode = (await stat(file)).mode & 0o777
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new NimbusError('token-exposed', `${file} may be read by others (mode ${mode.toString(8)}).`, {
      kind: 'refused',
      cure: `Others may know it: remove it (rm ${file}); the next start makes a new one.`,
    })
  }
  const token = (await readFile(file, 'utf8')).trim()
  if (!TOKEN.test(token))
    throw new NimbusError('token-damaged', `${file} does not hold a token.`, {
      cure: `Remove it (rm ${file}); the next start makes a new one.`,
    })
  return token
}
