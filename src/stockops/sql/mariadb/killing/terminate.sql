-- End a session, if it is still at the same statement, or pauses since the same one: error 1094 where it is not.
BEGIN NOT ATOMIC
    IF EXISTS (
        SELECT 1
        FROM information_schema.processlist
        WHERE id = %(session_id)s AND query_id = %(mark)s AND (command = 'Sleep') = %(is_idle)s
    ) THEN
        KILL CONNECTION %(session_id)s;
    ELSE
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1094, MESSAGE_TEXT = 'the session has moved on';
    END IF;
END
