-- Settings a migration runs under, whatever the role, the database or the pooler has set.
SET search_path = public;
SET TimeZone = 'UTC';
SET standard_conforming_strings = on;
SET check_function_bodies = on;
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
