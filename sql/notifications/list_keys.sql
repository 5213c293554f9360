-- Lists the keys that verify links for unsubscribing, the signing one first.

select version, key
  from notification_keys
 order by version desc;
