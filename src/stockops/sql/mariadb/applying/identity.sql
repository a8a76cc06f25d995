-- Which server this is: where it runs, and where its data lie. MariaDB gives a data directory no number of its own.
SELECT CONCAT(@@GLOBAL.hostname, ':', @@GLOBAL.datadir) AS server
