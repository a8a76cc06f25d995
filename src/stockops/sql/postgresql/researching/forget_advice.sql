-- Take back the list of a user and a business date, before another one. Needs: DELETE on ai_recommendations.
DELETE FROM ai_recommendations WHERE user_id = %(user_id)s AND business_date = %(on)s
