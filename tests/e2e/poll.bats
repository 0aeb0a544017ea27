# poll(2) and epoll(7): POLLPRI on a change, as with the kernel's cgroup.events.
load lib/watching

asks_again() {
	[ "$(requests describe)" -ge $((before + 3)) ]
}

@test "poll(2) sleeps until the value changes, and the new one is read then" {
	pending one
	change one '{"percent_complete":41}'
	mount_start --ttl 0.3
	background poll python3 -u -c "
import os, select
file = os.open('$JOBS/one/percent_complete', os.O_RDONLY)
print('before', os.pread(file, 99, 0))
poll = select.poll()
poll.register(file, select.POLLPRI)
for round in 1, 2:
    events = poll.poll()
    print('after', events[0][1] & ~select.POLLNVAL, os.pread(file, 99, 0))
print('idle', poll.poll(500))
print('readable', select.select([file], [], [], 0)[0] == [file])"
	local before
	wait_until 10 grep -q before "$(out poll)"
	before=$(requests describe)
	wait_until 20 asks_again
	change one '{"percent_complete":42}'
	wait_until 20 grep -qF "after 10 b'42\\n'" "$(out poll)"
	change one '{"percent_complete":43}'
	wait_until 20 ended "${BACKGROUND[0]}"
	diff "$(out poll)" - <<-'END'
		before b'41\n'
		after 10 b'42\n'
		after 10 b'43\n'
		idle []
		readable True
	END
	mount_stop
}

@test "who polls without sleeping is told once, too" {
	pending one
	mount_start --ttl 0.2
	background poll python3 -u -c "
import os, select, time
file = os.open('$JOBS/one/status', os.O_RDONLY)
poll = select.poll()
poll.register(file, select.POLLPRI)
print('first', poll.poll(0))
while not (events := poll.poll(0)):
    time.sleep(0.05)
    os.pread(file, 99, 0)
print(events[0][1], os.pread(file, 99, 0), poll.poll(0))"
	wait_until 10 grep -q first "$(out poll)"
	end_job one
	wait_until 20 ended "${BACKGROUND[0]}"
	[ "$(tail -n 1 "$(out poll)")" = "10 b'Completed\\n' []" ]
	mount_stop
}

@test "wait becomes readable when the job has ended: epoll" {
	pending one two
	# Nobody is woken by and by, to see whether he still polls.
	mount_start --ttl 60
	background epoll python3 -u -c "
import os, select
files = {os.open('$JOBS/' + id + '/wait', os.O_RDONLY): id for id in ('one', 'two')}
epoll = select.epoll()
for file in files:
    epoll.register(file, select.EPOLLIN)
print('ready', epoll.poll(0))
for file, events in epoll.poll():
    print(files[file], events, os.read(file, 99))"
	wait_until 10 grep -q ready "$(out epoll)"
	end_job two
	ls "$JOBS" >/dev/null # the first listing tells of it
	wait_until 20 ended "${BACKGROUND[0]}"
	[ "$(tail -n 1 "$(out epoll)")" = "two 1 b'Completed\\n'" ]
	mount_stop
}

@test "who has stopped polling is forgotten, and then nothing is asked for" {
	pending one
	mount_start --ttl 0.2
	background poll python3 -c "
import os, select
file = os.open('$JOBS/one/status', os.O_RDONLY)
poll = select.poll()
poll.register(file, select.POLLPRI)
poll.poll()"
	local before
	before=$(requests describe)
	wait_until 20 asks_again
	kill -KILL "${BACKGROUND[0]}"
	wait_until 20 stays_at_rest
	# The same with the descriptor still open.
	background poll python3 -c "
import os, select, time
file = os.open('$JOBS/one/status', os.O_RDONLY)
poll = select.poll()
poll.register(file, select.POLLPRI)
poll.poll($(longer 1500))
time.sleep(6000)"
	before=$(requests describe)
	wait_until 20 asks_again
	wait_until 20 stays_at_rest
	kill -KILL "${BACKGROUND[1]}"
	wait_until 10 ended "${BACKGROUND[1]}"
	mount_stop
}

@test "who is one too many to be woken isn't let to sleep" {
	pending one
	mount_start --ttl 0.5
	python3 -c "
import os, select, resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
poll = select.poll()
for _ in range(1500):
    poll.register(os.open('$JOBS/one/status', os.O_RDONLY), select.POLLPRI)
print(len(poll.poll()))" >"$BATS_TEST_TMPDIR/told"
	[ "$(cat "$BATS_TEST_TMPDIR/told")" -ge 476 ]
	[ "$(cat "$JOBS/one/status")" = Pending ]
	mount_stop
}
