untrusted comment: verify with other.pub
RWSORMmS/6xO1ZIVpsiU8CjAthsX8N//91RP/QU18g7OdSwnsw+ukSxnJd4t6G11N/SIqW686WsUL7GDdc13y8/sN8ezPBoYEQY=
