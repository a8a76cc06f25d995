-- Each connection to a primary, and how this replica does; needs SLAVE MONITOR.
SHOW ALL SLAVES STATUS
