// Completion scripts, made from the commands themselves: they hold every word, so that completing asks no node.
import type { Command } from 'commander'

type Level = { path: string; words: { word: string; about: string }[] }

const GLOBALS = [
  ['--data', 'data folder of the node'],
  ['--url', 'another node'],
  ['--token', 'its token'],
  ['--json', 'JSON on stdout'],
  ['--quiet', 'no messages'],
  ['--help', 'help'],
] as const

export function completionScript(shell: 'bash' | 'zsh' | 'fish', program: Command): string {
  const levels = levelsOf(program, '')
  return shell === 'bash' ? bash(levels) : shell === 'zsh' ? zsh(levels) : fish(levels)
}

function levelsOf(command: Command, path: string): Level[] {
  const children = command.commands.map((child) => ({ word: child.name(), about: child.description() }))
  const options = command.options.map((option) => ({ word: option.long ?? option.short ?? '', about: option.description }))
  const words = [...children, ...options, ...GLOBALS.map(([word, about]) => ({ word, about }))]
  return [{ path, words }, ...command.commands.flatMap((child) => levelsOf(child, path === '' ? child.name() : `${path} ${child.name()}`))]
}

/** The path is what stands before the word in question without its options, up to two words: `task run`. */
function bash(levels: readonly Level[]): string {
  const cases = levels.map((level) => `    '${level.path}') words='${level.words.map((item) => item.word).join(' ')}' ;;`)
  return `# nimbus completion for bash: source <(nimbus completion bash)
_nimbus() {
  local path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -- ]] && return
    [[ $word == -* ]] || { [[ $path == *' '* ]] || path="\${path:+$path }$word"; }
  done
  while true; do
    case $path in
${cases.join('\n')}
    *) [[ $path == *' '* ]] && { path=\${path%% *}; continue; } ;;
    esac
    break
  done
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _nimbus nimbus`
}

function zsh(levels: readonly Level[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  const cases = levels.map(
    (level) =>
      `    '${level.path}') words_of=(${level.words.map((item) => quote(`${item.word.replaceAll(':', '\\:')}:${item.about}`)).join(' ')}) ;;`,
  )
  return `#compdef nimbus
# nimbus completion for zsh: source <(nimbus completion zsh)
_nimbus() {
  local line_path='' word
  local -a words_of
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == -- ]] && return
    [[ $word == -* || $line_path == *' '* ]] || line_path="\${line_path:+$line_path }$word"
  done
  while true; do
    case $line_path in
${cases.join('\n')}
    *) [[ $line_path == *' '* ]] && { line_path=\${line_path%% *}; continue } ;;
    esac
    break
  done
  _describe nimbus words_of
}
compdef _nimbus nimbus`
}

function fish(levels: readonly Level[]): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = levels.flatMap((level) => {
    const parts = level.path === '' ? [] : level.path.split(' ')
    const condition =
      parts.length === 0 ? '__fish_use_subcommand' : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join('; and ')
    return level.words.map(
      (item) =>
        `complete -c nimbus -n ${quote(condition)} ${item.word.startsWith('--') ? `-l ${item.word.slice(2)}` : item.word.startsWith('-') ? `-s ${item.word.slice(1)}` : `-f -a ${quote(item.word)}`} -d ${quote(item.about)}`,
    )
  })
  return `# nimbus completion for fish: nimbus completion fish | source\n${lines.join('\n')}`
}
