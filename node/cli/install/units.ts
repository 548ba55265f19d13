// What a service manager is told of a node: a unit of systemd, a property list of launchd. Pure: words in, text out. Every word is quoted
// by the rules of the format; what cannot be written in it is refused.
import { NimbusError } from '../../kernel/errors.ts'

export type UnitOrder = {
  /** The command, word by word. */
  argv: readonly string[]
  dataDir: string
  path: string
  /** For one user, or for the machine. */
  scope: 'user' | 'system'
}

/** In the first lines of every file of ours; without it a file is somebody else's. */
export const MARK = 'Made by nimbus install'

export function systemdUnit({ argv, dataDir, path, scope }: UnitOrder): string {
  return `# ${MARK}; nimbus uninstall removes it.
[Unit]
Description=Nimbus worker in ${specifier(dataDir)}
${scope === 'user' ? '' : 'Wants=network-online.target\nAfter=network-online.target\n'}
[Service]
Type=exec
ExecStart=${argv.map(systemdWord).join(' ')}
Environment=${systemdWord(`PATH=${path}`)}
Restart=on-failure
RestartSec=2
# The node is asked first and hands its work over; what is left after that is ended.
KillMode=mixed
TimeoutStopSec=90

[Install]
WantedBy=${scope === 'user' ? 'default.target' : 'multi-user.target'}
`
}

export function launchdList(label: string, { argv, dataDir, path }: UnitOrder): string {
  const text = (value: string): string => `<string>${xml(value)}</string>`
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- ${MARK}; nimbus uninstall removes it. -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>${text(label)}
  <key>ProgramArguments</key>
  <array>
${argv.map((word) => `    ${text(word)}`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict><key>PATH</key>${text(path)}</dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>ExitTimeOut</key><integer>90</integer>
  <key>StandardErrorPath</key>${text(`${dataDir}/launchd.err`)}
</dict>
</plist>
`
}

/** In double quotes, with what systemd would take for a specifier, a variable or an escape written twice. */
function systemdWord(word: string): string {
  return `"${specifier(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$')}"`
}

function specifier(text: string): string {
  assertPlain(text)
  return text.replaceAll('%', '%%')
}

function xml(text: string): string {
  assertPlain(text)
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function assertPlain(text: string): void {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (!/[\u0000-\u001f\u007f]/.test(text) && text.isWellFormed()) return
  throw new NimbusError('usage', `${JSON.stringify(text.slice(0, 100))} cannot stand in the file of a service manager.`, {
    kind: 'usage',
    cure: 'Leave out control characters and line ends.',
  })
}
