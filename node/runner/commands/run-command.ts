// One short command of a helper process, without a shell and without an inherited environment: its output as text, and its end.
// It belongs to the helper's process group, and ends with it.

export type RanCommand = { exitCode: number | undefined; stdout: string; stderr: string }

const ERROR_CHARS_MAX = 64 * 1024

/** @param options.onError hears stderr as it comes; what it throws ends the command and is thrown on */
export async function execFileQuietly(
  file: string,
  args: readonly string[],
  options: { env: Readonly<Record<string, string>>; outputBytesMax: number; onError?: (text: string) => void },
): Promise<RanCommand> {
  const { execa } = await import('execa')
  const child = execa(file, args, {
    cwd: '/',
    env: { ...options.env },
    extendEnv: false,
    stdin: 'ignore',
    buffer: { stdout: true, stderr: false },
    maxBuffer: { stdout: options.outputBytesMax },
    stripFinalNewline: false,
    reject: false,
  })
  let stderr = ''
  let thrown: Error | undefined
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-ERROR_CHARS_MAX)
    try {
      options.onError?.(text)
    } catch (error) {
      thrown ??= error as Error
      child.kill('SIGKILL')
    }
  })
  const { exitCode, stdout, originalMessage } = await child
  if (thrown !== undefined) throw thrown
  return { exitCode, stdout, stderr: stderr === '' ? (originalMessage ?? '') : stderr }
}
