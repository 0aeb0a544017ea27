# Completion of pinefs(1) for fish: options, files after those that take one, the words of -o, and
# directories to mount on.

complete -c pinefs -l api-key-file -r -F -d 'file with the API key'
complete -c pinefs -l api-url -x -d 'where the API is'
complete -c pinefs -l api-version -x -d 'version of the API to ask for'
complete -c pinefs -l ttl -x -d 'how long an answer holds'
complete -c pinefs -l ttl-ready -x -d 'the same for what is ready'
complete -c pinefs -l ttl-final -x -d 'the same for a job that has ended'
complete -c pinefs -l ttl-missing -x -d 'the same for "there is none"'
complete -c pinefs -l stale -x -d 'serve old values so long when the API fails'
complete -c pinefs -l timeout -x -d 'longest wait of a reader, retries included'
complete -c pinefs -l max-rate -x -d 'requests a second, at most'
complete -c pinefs -l kinds -x -a '(__fish_append , restore-jobs backups indexes collections)' -d 'kinds to show and ask for, commas between'
complete -c pinefs -l cacert -r -F -d 'certificates to trust instead of the system\'s'
complete -c pinefs -l allow-restore -d 'mkdir in backups/ID/restores restores the backup'
complete -c pinefs -l no-check -d 'mount without asking the API first'
complete -c pinefs -l demo -d 'mount a simulated API; needs no key'
complete -c pinefs -s f -l foreground -d 'stay in the foreground, log to stderr'
complete -c pinefs -s d -l debug -d 'log each request, too; implies -f'
complete -c pinefs -s o -x -a '(__fish_append , (__pinefs_words))' -d 'the long options, with _ for -, and FUSE\'s own'
complete -c pinefs -s V -l version -d 'print the version'
complete -c pinefs -s h -l help -d 'print this'
complete -c pinefs -f -a '(__fish_complete_directories)'

# The words of -o: FUSE's, and the long options above.
function __pinefs_words
    string split ' ' 'allow_other allow_root auto_unmount context= default_permissions fsname= gid= max_read= ro subtype= uid= umask='
    for line in (complete -c pinefs)
        set -l name (string match -rg -- '(?:--long-option|-l) \'?([a-z-]+)' $line); or continue
        contains -- $name version help; and continue
        string match -qr -- '--require-parameter|--exclusive|--force-files| -[rxF]' $line; and set name $name=
        string replace -a -- - _ $name
    end
end
