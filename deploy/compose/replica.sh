#!/usr/bin/env bash
# A streaming replica of LXP_PRIMARY: copied when the data directory is empty, then run as any Postgres.
set -euo pipefail

if [[ ! -s $PGDATA/PG_VERSION ]]; then
    until PGPASSWORD=$POSTGRES_PASSWORD pg_basebackup --host "$LXP_PRIMARY" --username postgres --pgdata "$PGDATA" \
        --wal-method stream --checkpoint fast --write-recovery-conf; do
        echo "the primary at $LXP_PRIMARY cannot be copied yet" >&2
        find "$PGDATA" -mindepth 1 -delete
        sleep 2
    done
    chown -R postgres: "$PGDATA"
    chmod 700 "$PGDATA"
fi
exec docker-entrypoint.sh "$@"
