#!/usr/bin/env bash
# Make the two roles of a new database server: one owns the tables, the running program's owns nothing.
# The postgis container runs this once, as the superuser, when its volume is empty.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -Xq -U "$POSTGRES_USER" -d postgres -v database="${DATABASE:-citymgmt}" \
  -v app="${APP_ROLE:-citymgmt_app}" -v app_password="${APP_PASSWORD:?}" \
  -v owner="${OWNER_ROLE:-citymgmt_owner}" -v owner_password="${OWNER_PASSWORD:?}" <<'SQL'
CREATE ROLE :"app" LOGIN PASSWORD :'app_password';
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE DATABASE :"database" OWNER :"owner" ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
\connect :"database"
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO :"owner";
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
SQL
