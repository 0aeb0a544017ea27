# Completion of pinefs(1) for bash, with the functions of bash-completion: options, files after those
# that take one, the words of -o, and directories to mount on.

_pinefs()
{
	local with_file='--api-key-file --cacert'
	local with_value='--api-url --api-version --kinds --max-rate --stale --timeout --ttl --ttl-final
		--ttl-missing --ttl-ready'
	local alone='--allow-restore --no-check --demo --foreground --debug'
	local words word before cur prev
	# shellcheck disable=SC2034 # for _init_completion
	local cword split

	_init_completion -s -n = || return
	case $prev in
	--api-key-file | --cacert)
		_filedir
		;;
	--kinds)
		before=
		[[ $cur != *,* ]] || before=${cur%,*},
		mapfile -t COMPREPLY < <(compgen -P "$before" -W 'restore-jobs backups indexes collections' -- "${cur##*,}")
		;;
	-o)
		before=
		[[ $cur != *,* ]] || before=${cur%,*},
		words='allow_other allow_root auto_unmount context= default_permissions fsname= gid= max_read=
			ro subtype= uid= umask='
		for word in $with_file $with_value; do
			word=${word#--}
			words+=" ${word//-/_}="
		done
		for word in $alone; do
			word=${word#--}
			words+=" ${word//-/_}"
		done
		mapfile -t COMPREPLY < <(compgen -P "$before" -W "$words" -- "${cur##*,}")
		compopt -o nospace
		;;
	*)
		# Nothing is known of the value of an option.
		[[ " $with_value " == *[[:space:]]"$prev"[[:space:]]* ]] || _pinefs_rest
		;;
	esac
}

# Nothing is expected: another option, or where to mount.
_pinefs_rest()
{
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$with_file $with_value $alone
			--version --help -f -d -o -V -h" -- "$cur")
	else
		_filedir -d
	fi
}

complete -F _pinefs pinefs
