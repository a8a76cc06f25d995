-- Balances of the house that were folded since the proof, and those of its last folded date.
SELECT h.*
FROM house_balances AS h
WHERE h.business_date >= %(folded_through)s
