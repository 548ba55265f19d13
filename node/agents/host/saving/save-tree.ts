// The two scripts that run in the sandbox of a session: one packs what the agent wrote, one puts it back. They are fixed; everything
// that differs comes as arguments. In there a link that the agent made leads nowhere that it could not go itself.

/**
 * Arguments: the folder for the results, the commit that the repository began with or nothing, the agent's folder, a git folder of ours
 * where the work tree has none. The agent's files come first: the work tree is then at least as new as the conversation, so that no call
 * counts as finished whose files are missing. Prints the commit of the files, HEAD and its branch.
 */
export const PACK_SCRIPT = `set -eu
out=$1 base=$2 config=$3 shadow=$4
git() { command git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c gc.auto=0 -c commit.gpgsign=false "$@"; }
tar -cf "$out/config.tar" --exclude=./shell-snapshots --exclude=./debug --exclude=./cache -C "$config" . || [ $? -eq 1 ]
if [ -n "$shadow" ]; then
  export GIT_DIR="$shadow" GIT_WORK_TREE="$PWD"
  [ -e "$shadow" ] || command git init -q --template= 
fi
head=$(git rev-parse -q --verify HEAD || true)
branch=$(git symbolic-ref -q HEAD || true)
export GIT_INDEX_FILE="$out/index"
[ -e "$GIT_INDEX_FILE" ] || [ -z "$head" ] || git read-tree "$head"
git add -A
tree=$(git write-tree)
files=$(git commit-tree "$tree" \${head:+-p "$head"} -m 'files of a session')
git update-ref refs/nimbus/save "$files"
git bundle create -q "$out/tree.bundle" refs/nimbus/save --branches \${base:+"^$base"}
printf 'saved-files=%s\\nsaved-head=%s\\nsaved-branch=%s\\n' "$files" "$head" "$branch"
`

/**
 * Arguments: the folder with what was packed, the agent's folder, commit of the files, HEAD, branch, whether the repository is the work
 * tree's own, and the names that the agent gave to the two work trees. Runs in the new work tree, which holds a clone where there was one.
 */
export const UNPACK_SCRIPT = `set -eu
from=$1 config=$2 files=$3 head=$4 branch=$5 own=$6 before=$7 after=$8
git() { command git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c gc.auto=0 "$@"; }
tar -xf "$from/config.tar" -C "$config" --no-same-owner
[ "$before" = "$after" ] || [ ! -d "$config/projects/$before" ] || { rm -rf "$config/projects/$after"; mv "$config/projects/$before" "$config/projects/$after"; }
if [ -z "$own" ]; then export GIT_DIR="$from/shadow" GIT_WORK_TREE="$PWD"; fi
[ -n "$own" ] && [ -e .git ] || command git init -q --template=
git fetch -q --update-head-ok "$from/tree.bundle" '+refs/heads/*:refs/heads/*' '+refs/nimbus/save:refs/nimbus/save'
git read-tree -q --reset "$files"
git checkout-index -q -f -a
git clean -q -f -d
if [ -n "$head" ]; then
  if [ -n "$branch" ]; then git update-ref "$branch" "$head"; git symbolic-ref HEAD "$branch"; else git update-ref --no-deref HEAD "$head"; fi
  git read-tree -q --reset "$head"
fi
`
