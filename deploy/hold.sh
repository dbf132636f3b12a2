#!/bin/sh
# Runs one tocsin service and prevents restarts that cannot help.
#
# Exit statuses 2 (a wrong setting) and 4 (the dead-letter brake) need an operator: each restart
# after the brake would send another window of the stream to dead-letters. After 2 and 4 this script
# therefore waits until it is stopped: the container turns unhealthy, its metrics disappear, and the
# alert TocsinInstanceDown fires. Fix the cause, then run docker compose restart SERVICE. Any other
# status is passed on, and the restart policy applies.
#
# While it holds, the file tocsin-held is in /tmp, so that a liveness probe can let it be.

held=${TMPDIR:-/tmp}/tocsin-held
rm -f "$held"
child=
stopped=
trap 'stopped=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT

tocsin "$@" &
child=$!
[ -z "$stopped" ] || kill -TERM "$child" 2>/dev/null
wait "$child"
status=$?
# A signal interrupts wait: wait again for the service's own status.
while kill -0 "$child" 2>/dev/null; do
    wait "$child"
    status=$?
done

if [ -z "$stopped" ] && { [ "$status" -eq 2 ] || [ "$status" -eq 4 ]; }; then
    : > "$held"
    echo "tocsin $* ended with status $status: fix the cause (docs/operations.md)," \
        "then restart the container. Holding." >&2
    while [ -z "$stopped" ]; do
        sleep 86400 &
        child=$!
        wait "$child"
    done
fi
exit "$status"
