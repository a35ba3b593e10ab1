#!/usr/bin/env bash
# Run once by the image of Postgres on an empty data directory: roles, the database, replicas' way in.
set -euo pipefail

psql=(psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres)
sed -e "s/{{owner_password}}/$OWNER_PASSWORD/" -e "s/{{app_password}}/$APP_PASSWORD/" \
    -e "s/{{mover_password}}/$MOVER_PASSWORD/" -e "s/{{control_password}}/$CONTROL_PASSWORD/" \
    /lxp/roles.sql | "${psql[@]}"
"${psql[@]}" --command "CREATE DATABASE $LXP_DATABASE OWNER $LXP_OWNER"
echo 'host replication postgres all scram-sha-256' >>"$PGDATA/pg_hba.conf"
