-- How many orders came on how many business dates: what a day of this market is.
SELECT
    count(*) AS orders,
    count(DISTINCT o.business_date) AS days
FROM orders AS o
