#!/bin/sh
# Runs one tocsin service and keeps its container from being started again in vain.
#
# Exit statuses 2 (a setting is wrong) and 4 (the dead-letter brake) ask for a person. Started
# again, a service that tripped its brake would send another window of the stream to dead-letters,
# and so on until nothing is left. So after 2 and 4 this waits until it is stopped: the container
# turns unhealthy, its metrics go, and the alert TocsinInstanceDown fires. Once the cause is
# mended: docker compose restart SERVICE. Any other status is passed on, and the restart policy acts.

child=
stopped=
trap 'stopped=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT

tocsin "$@" &
child=$!
[ -z "$stopped" ] || kill -TERM "$child" 2>/dev/null
wait "$child"
status=$?
# A signal interrupts wait: ask again for the status that the service itself ends with.
while kill -0 "$child" 2>/dev/null; do
    wait "$child"
    status=$?
done

if [ -z "$stopped" ] && { [ "$status" -eq 2 ] || [ "$status" -eq 4 ]; }; then
    echo "tocsin $* ended with status $status: a person has to act (docs/operations.md)." \
        "Holding; restart the container when that is done." >&2
    while [ -z "$stopped" ]; do
        sleep 86400 &
        child=$!
        wait "$child"
    done
fi
exit "$status"
